"""Reports: what a run found, as pages and pictures. No TensorFlow.

    beside           hand-made networks that were trained on the same data
    board_runs       a folder for TensorBoard that stays small
    clock            the hours of a search, without those in which it was stopped
    colours          what the colours of pictures mean
    comparison       several runs side by side: groups, flags, shared architectures
    comparison_page  the same as a table for a terminal and as a page
    curves           the best so far, of one search or of several as a band
    descent          how a candidate came from its parent, in words and marks
    drawn_network    a network as it is shown: its weights, and shares of streams
    facts            a run directory as sections read it, also of a dead or damaged run
    features         which choices go with a high fitness
    film_strips      some frames of a dataset's clips side by side, over their flow
    final_files      what a final training leaves: answers, learning curve, examples
    final_pictures   learning curves, and which class is taken for which
    genealogy        who came from whom in a search, and its picture
    history          a search, result by result
    layout           finds places for the nodes and edges of a layered graph
    network_picture  draws a network
    network_table    the numbers of a network
    optuna_journal   a search as a journal of Optuna
    page             what a page consists of, and the page as HTML
    pictures         matplotlib figures that become SVG or PNG
    run_report       the page of a run: collects the sections, writes page and pictures
    sections         the sections of a report
    survival         what survives in the population over time
    timeline         who worked when
    words            numbers, times and states in words

Pages need no network and no script, and are the same bytes for the same run.
"""
