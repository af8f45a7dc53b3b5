"""The operator: runs what was let in, and keeps judging it.

The way of one event, in the order in which to read it:

    handlers     what kopf calls: an event of a model is put into the cache and its key on the queue
    models       the cache of ModelDeployments
    queue        collapses what comes in: each model once, by one worker at a time
    reconcile    observe, decide, plan, apply, report
      model      whether it can be worked with, and the verdict on it
      plan       what should be there; pure
      apply      server-side apply of what is not as planned: ``children`` knows how they are,
                 ``drift`` reads what others did to them, ``in_sync`` says what is left to do
      status     what was seen, as conditions; pure
      transitions, events   what of it is news

Models come onto the queue also by a changed child (``children``), by evidence that changed
(``dependants``), at the moment at which evidence stops counting (``deadlines``), and all of them every ten
minutes (``controller``, where the parts meet). ``process`` is one replica from start to end: the lease,
``health``, ``metrics``, and beside the models the webhook's ``certificates``. ``writer`` is the only way to
write, and asks the lease first. ``kopf_fixes`` works around defects of kopf, and is the only module to do so.

The operator writes children, Events and its Lease; of a ModelDeployment its status alone, no finalizer and no
annotation; of the webhook two Secrets, and of its registration ``caBundle`` alone.
"""
