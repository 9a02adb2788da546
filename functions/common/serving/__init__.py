"""How the doors serve: requests and events in, answers and the next event out, and who may ask."""
