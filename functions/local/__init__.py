"""The deployed flow on one machine: `adloom up` runs the functions behind the router, `adloom upload` brings work."""
