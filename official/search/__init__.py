"""The evolutionary search: what is tried next, where everything is kept, who trains it.

    application   a whole run: checks, search, final training, exit status
    settings      the numbers of a search, checked
    run_directory model_dir on disk: search.json, candidates/000012/{candidate,result,timing}.json
    identity      refuses a run directory that was made with other flags
    proposals     candidate n from (seed, n) and what is known
    fitness       metrics -> one number, and who is better than whom
    population    tournament, admission, removal
    state         everything the next proposal depends on; rebuilt from the files by replay
    failures      what an ending says: a result, a retry, or a reason to stop the search
    executors/    run candidates: in this process, or one process a candidate
    loop          fills free slots, records what comes back
    final         trains the winner to the end
    console       a bar, or lines, and never silence
    files, locks, signals    JSON written whole; locks that die with their holder; Ctrl-C

Nothing here imports TensorFlow. Training is a picklable function `evaluator(candidate, directory)
-> dict` of plain data (`executors.base.Evaluator`), so that a test, a process pool and a cluster
all look alike from here.
"""
