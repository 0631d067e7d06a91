"""A scripted election day: its language, its voters, and how it is played.

The language is ``language`` with ``timing``, ``commission``, ``faults`` and ``expectations``;
``checking`` loads a document and says what is wrong with it. ``play`` is the day in progress: one
conversation for every urn, one for every identification kit, all under the run's clock.
"""
