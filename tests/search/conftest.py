import logging

import optuna
import pytest


@pytest.fixture
def optuna_remarks():
    """What Optuna would print, while its user wants to hear everything; a list that fills."""
    remarks = []
    handler = logging.Handler()
    handler.emit = lambda record: remarks.append(record.getMessage())
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    logging.getLogger("optuna").addHandler(handler)
    yield remarks
    logging.getLogger("optuna").removeHandler(handler)
    optuna.logging.set_verbosity(before)
