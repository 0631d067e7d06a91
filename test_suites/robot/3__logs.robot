*** Settings ***
Documentation    The urn's event log and the clock behind it. Tampering comes last: it leaves its scars.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        logs


*** Test Cases ***
Every Entry Carries Date, Time To The Second And Zone
    [Documentation]    ISO 8601, over the whole log.
    [Tags]    log-001
    Run The Procedure    log.stamps
    Requirement LOG-001 Should Be Met

Stamps Are Right Across Midnight, Leap Days And Summer Time
    [Documentation]    The clock is set to just before each edge of the calendar; what is logged after it is looked at.
    [Tags]    log-001
    Run The Procedure    log.calendar
    Requirement LOG-001 Should Be Met

The Clock Keeps Time
    [Documentation]    The clock is set once and read for an hour or more; the drift is extrapolated to 15 hours.
    [Tags]    log-002
    Run The Procedure    log.drift
    Requirement LOG-002 Should Be Met

Entries Are Numbered Without Gaps And In Order
    [Documentation]    A burst of events, then each pair of neighbours.
    [Tags]    log-003
    Run The Procedure    log.sequence
    Requirement LOG-003 Should Be Met

Only An Administrator Sets The Clock
    [Documentation]    Everybody else tries; what the administrator does is logged with old and new value.
    [Tags]    log-004
    Run The Procedure    log.clock_setting
    Requirement LOG-004 Should Be Met

Every Kind Of Event Is Logged
    [Documentation]    One stimulus for each row of VVSG 2.0, Table 15-1.
    [Tags]    log-005
    Run The Procedure    log.coverage
    Requirement LOG-005 Should Be Met

Every Entry Says Who, What, Where And With Which Outcome
    [Documentation]    System, kind and event, time, outcome, user and resource.
    [Tags]    log-006
    Run The Procedure    log.fields
    Requirement LOG-006 Should Be Met

The Log Betrays No Choice And No Voter
    [Documentation]    Ballots with known choices are cast, and the log and its export searched for them.
    [Tags]    log-008
    Run The Procedure    log.privacy
    Requirement LOG-008 Should Be Met

The Log Exports In The Format Of NIST
    [Documentation]    SP 1500-101, valid, and entry for entry the log that is read over the link.
    [Tags]    log-009
    Run The Procedure    log.export
    Requirement LOG-009 Should Be Met

What Is Plugged In Or Out While Votes Are Cast Is Logged And Alarmed
    [Documentation]    Memory stick, printer and link, each pulled out and put back.
    [Tags]    log-010
    Run The Procedure    log.components
    Requirement LOG-010 Should Be Met
    Requirement SEC-009 Should Be Met

Whoever Changes The Log Is Found Out
    [Documentation]    Bits are flipped, entries swapped and deleted, the end cut off; device or chain must show it.
    [Tags]    log-007
    Run The Procedure    log.tamper
    Requirement LOG-007 Should Be Met
