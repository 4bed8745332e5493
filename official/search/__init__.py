"""The evolutionary search: the choice of candidates, and the end of the search. No TensorFlow.

    application             a whole run: checks, search, final training, exit status
    dry_run                 what a search would take, told before it begins
    settings                the numbers of a search, checked
    loop                    fills free slots, records what comes back
    proposals               candidate n from (seed, n) and what is known
    rungs                   the value of --rungs
    promotion               who is trained on from one rung to the next
    resting                 who stopped at a rung, for people
    population              tournament, admission, removal
    objectives              fronts and crowding where accuracy is weighed against cost
    front                   the candidates of a search that no other dominates
    confirmation            the best again with other seeds: which of them is the best then
    confirmation_trainings  the trainings of a confirmation, and their records
    few_clips               advice for a search that is judged by few clips
    folds                   candidates judged on different folds, and how they are compared
    front_report            the front as a table
    state                   what the next proposal depends on; rebuilt from the files by replay
    known                   which architectures a search has proposed already
    refinement              a search that begins with what an earlier one found
    inheritance             records and keeps the weights that children begin with
    overview                what a search is doing, read from its folder
    diversity               how different two architectures are
    pace                    evaluations an hour, from when candidates began and ended
    watch                   the status on one screen, again and again
    summaries               curves of a search for TensorBoard

Runs (official.runs) train what is proposed here, and keep it.
"""
