"""The sections of a report: a file for each, with one function `section(run)`.

    cost         Pareto fronts of fitness and size, and what workers did with their time
    final        the final network: learning curves, classes, and the worst answers
    fitness      every candidate, the best so far and the population, over evaluations and hours
    genealogy    who came from whom
    leaderboard  all candidates, the best first
    learned      what survives in the population, and which choices are good
    summary      the run in a sentence and a table
    winner       the winner's network, and what it changed of its parent

`section` returns None where a run has nothing to show.
"""
