"""The vocabulary, and the problem file.

Reading
    :func:`~beadsmith.problem.problem.load_problem`, :func:`~beadsmith.problem.problem.load_model`
What is declared
    :class:`~beadsmith.problem.problem.Problem`, :mod:`~beadsmith.problem.schema`,
    :class:`~beadsmith.problem.parameters.ParameterSpace`, :class:`~beadsmith.problem.model.Model`,
    :mod:`~beadsmith.problem.functions`, :class:`~beadsmith.problem.state.State`
The same, slower
    :func:`~beadsmith.problem.longer.lengthened`
What is measured
    :class:`~beadsmith.problem.recording.Recording`, :class:`~beadsmith.problem.records.Observation`,
    :class:`~beadsmith.problem.records.Failure`, :class:`~beadsmith.problem.records.Evaluation`,
    :class:`~beadsmith.problem.records.Target`
How good a protocol is
    :class:`~beadsmith.problem.spread.Spread`
"""
