"""Defects of log-in, refusals and of what comes over the link."""

from __future__ import annotations

from kalys.emulators.defect_hooks import security
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("unlimited-log-ins", "Wrong log-ins never lock a role.",
           ("SEC-007",), ("security.lockout",), security.UnlimitedLogIns),
    Defect("lock-forgotten-at-restart", "A restart opens a locked role.",
           ("SEC-007",), ("security.lockout",), security.LockForgottenAtRestart),
    Defect("auditor-closes", "An auditor may close the polls.",
           ("SEC-006",), ("security.permissions",), security.AuditorCloses),
    Defect("parameters-while-open", "Parameters can be set in every state.",
           ("SEC-006",), ("security.permissions",), security.ParametersWhileOpen),
    Defect("cover-unalarmed", "A cover that is opened while the polls are open raises no alarm.",
           ("SEC-009",), ("log.components",), security.CoverUnalarmed),
    Defect("refusals-not-logged", "What is refused leaves no entry in the log.",
           ("SEC-006",), ("security.permissions",), security.RefusalsNotLogged),
    Defect("opens-without-key", "The log-in alone opens the polls: the key switch is not asked.",
           ("SEC-005",), ("security.second_factor",), security.OpensWithoutKey),
    Defect("software-without-key", "The log-in alone installs software: the key switch is not "
           "asked.",
           ("SEC-005",), ("security.second_factor",), security.SoftwareWithoutKey),
    Defect("nonces-repeat", "Every challenge is the same, so that an old log-in fits a new one.",
           ("SEC-012",), ("security.replay",), security.NoncesRepeat),
    Defect("nonce-not-spent", "A challenge stays good after its log-in.",
           ("SEC-012",), ("security.replay",), security.NonceNotSpent),
    Defect("hangs-on-long-frame",
           "A message whose length field is too large leaves the urn deaf until it is started "
           "again.",
           ("SEC-011",), ("security.malformed_traffic",), security.HangsOnLongFrame),
    Defect("garbage-counted",
           "Every `every`-th message that cannot be understood counts as a blank ballot.",
           ("SEC-011", "MET-002"), ("security.malformed_traffic",), security.GarbageCounted,
           {"every": 100}),
)
