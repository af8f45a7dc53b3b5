"""The background scan of the leader: what runs already is judged, and its findings are reported.

    served         which kinds of the table, and which API of reports, the cluster serves
    kept           what is kept of an object: packed, some hundred bytes
    objects        one reflector for each kind, and the indexes by which a change finds its subjects
    judging        from a change to a verdict
    reports        reports and their writer: hash-gated, worst first, capped
    stored         reports as the API server has them
    sweeping       reports of an API that is not used any more go; the counts of the cluster
    announcements  an Event on what is refused now
    exemptions     the status of Exemptions, and Events before one ends
    pacing         how much of a core, and how many writes a second
    metrics        what is counted
    scan           all of it, while this replica leads

It never writes to what it judges (ADR 0035). What it decides, it decides as the webhook and ``actgate scan``.
"""
