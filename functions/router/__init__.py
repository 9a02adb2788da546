"""The router: the broker of one machine, which wakes the functions by the Triggers that are deployed.

Events lie in a file until they are delivered, so a killed router loses none; each is delivered at least once.
"""
