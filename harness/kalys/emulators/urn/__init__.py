"""The emulated ballot-counting urn: an application core without I/O.

Read ``states`` first (the table of what is allowed when), then ``core`` (how a request, a sensor
edge and a loss of power become answers and events), then the parts it is made of.
"""
