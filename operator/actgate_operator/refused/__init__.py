"""Children that the webhook refused, reported on the object that answers for them.

``denials`` reads what a controller's Event says, ``reports`` decides what is reported and how often,
``follower`` keeps the watches.
"""
