"""Campaigns: where both wings meet.  Proposals become simulations, on local cores or a cluster, and a dataset on disk.

:mod:`~beadsmith.campaign.study`
    the folder that holds a calibration
:mod:`~beadsmith.campaign.store`
    finished simulations, by the hash of their inputs
:mod:`~beadsmith.campaign.task`
    what a worker does
:mod:`~beadsmith.campaign.pool`
    workers, through Dask
:mod:`~beadsmith.campaign.laboratory`
    problem, workers, engine and store together
:mod:`~beadsmith.campaign.evaluate`
    one model, all its experiments
:mod:`~beadsmith.campaign.driver`
    the loop of a search; measurements beside it
:mod:`~beadsmith.campaign.calibration`
    a whole calibration: search, re-measurement, comparison, result
:mod:`~beadsmith.campaign.fidelity`, :mod:`~beadsmith.campaign.advice`
    what a fidelity is worth, and the cheapest that is precise enough
:mod:`~beadsmith.campaign.identify`
    what the targets of a study say about its parameters, from its :mod:`~beadsmith.campaign.derivatives`;
    :mod:`~beadsmith.campaign.freezing` holds those of which they say nothing
:mod:`~beadsmith.campaign.timing`
    what a problem would cost
"""
