"""The operator: runs what was let in, and keeps judging it.

The way of one event, in the order in which to read it:

    feed         kopf watches ModelDeployments and says which one to look at
    queue        collapses what comes in: each model once, by one worker at a time
    reconcile    look, judge, plan, apply, report
      judging    the verdict, from ``evidence``: pictures of manifests, policies and namespaces
      plan       what should be there; pure
      apply      server-side apply of what is not as planned: ``children`` knows how they are,
                 ``drift`` reads what others did to them, ``settled`` says what is left to do
      status     what was seen, as conditions; pure
      transitions, events   what of it is news

Models come onto the queue also by a changed child (``children``), by evidence that changed
(``dependants``), at the moment at which evidence stops counting (``deadlines``), and all of them every ten
minutes (``operating``, where the parts meet). ``serving`` is one replica from start to end: the lease,
``health``, ``metrics``, and beside the models the webhook's ``certificates``. ``writer`` is the only way to
write, and asks the lease first.

The operator writes children, Events and its Lease; of a ModelDeployment its status alone, no finalizer and no
annotation; of the webhook two Secrets, and of its registration ``caBundle`` alone.
"""
