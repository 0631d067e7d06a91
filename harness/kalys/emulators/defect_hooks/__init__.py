"""What each defect changes: one hook of ``Behaviour`` overridden, and nothing else.

``kalys.emulators.defects`` names and describes them. One module for each part of the urn that may
be broken. The numbers a class needs come from ``self.parameters[NAME]``.
"""
