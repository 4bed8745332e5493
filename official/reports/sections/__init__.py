"""The sections of a report: a file for each, with one function `section(run)`.

    leaderboard  all candidates, the best first
    summary      the run in a sentence and a table
    winner       the winner's network, and what it changed of its parent

`section` returns None where a run has nothing to show.
"""
