"""A steady load on the webhook, and one disturbance at a time: what becomes of decisions meanwhile.

reviews     the load: a constant rate of writes, each with one right answer
balancer    one address before the replicas, as a Service is
replicas    the webhook as processes with mounted certificates, and a clock that can be set
shifted     the program that such a replica runs
gate        all of it before one API server, with the operator's certificate controller
causes      the disturbances
measuring   the table
"""

from bench.disturbances.measuring import run

__all__ = ["run"]
