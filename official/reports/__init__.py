"""Reports: what a run found, as pages and pictures. No TensorFlow.

    colours     what the colours of pictures mean
    facts       a run directory as sections read it, also of a dead or damaged run
    history     a search, result by result
    page        what a page consists of, and the page as HTML
    pictures    matplotlib figures that become SVG or PNG
    run_report  the page of a run: collects the sections, writes page and pictures
    sections    the sections of a report
    words       numbers, times and states in words

Pages need no network and no script, and are the same bytes for the same run.
"""
