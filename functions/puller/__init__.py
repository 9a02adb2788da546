"""The puller: takes the bucket's notifications from Pub/Sub and posts each as a CloudEvent to the broker.

A Deployment rather than a function: it asks, where functions are asked. `python -m functions.puller` runs it.
"""
