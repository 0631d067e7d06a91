*** Settings ***
Documentation    What the urn prints, when it prints it, and whether it is right.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        reports


*** Test Cases ***
An Auditor Follows An Election With Five Ballots
    [Documentation]    One election seen with the auditor's own eyes: every step is a keyword.
    Prepare The Urn
    Look At The Zero Report
    Open The Polls
    Cast Ballots    5
    Look While The Polls Are Open
    Close The Polls
    Look At The Results
    [Teardown]    Leave The Urn As It Was

The Polls Do Not Open While A Counter Is Not Zero
    [Documentation]    Counters are disturbed behind the urn's back, and tests are left behind, before each attempt.
    [Tags]    rep-001
    Run The Procedure    report.non_zero_opening
    Requirement REP-001 Should Be Met

The Zero Report Says All It Must
    [Documentation]    Election, station, device, style, failures, and every register at both storage locations.
    [Tags]    rep-002
    Run The Procedure    report.zero
    Requirement REP-002 Should Be Met

Tests Before The Election Leave No Trace In Its Results
    [Documentation]    The demonstration with 13 ballots, a zero report, and then an election.
    [Tags]    rep-003
    Run The Procedure    report.test_mode
    Requirement REP-003 Should Be Met

Totals Stay Inside While The Polls Are Open
    [Documentation]    Every role asks by every command; ballot counts may be printed.
    [Tags]    rep-004
    Run The Procedure    report.totals_while_open
    Requirement REP-004 Should Be Met

Every Report Carries Date And Time To The Second
    [Documentation]    Zero, status, results, station, test and parameters report, in one election.
    [Tags]    rep-005
    Run The Procedure    report.results
    Requirement REP-005 Should Be Met

The Results Report Is Complete And Can Be Recomputed
    [Documentation]    Ballots, votes per option, overvotes, undervotes and invalid, against the sheets in the box.
    [Tags]    rep-006
    Run The Procedure    report.results
    Requirement REP-006 Should Be Met

Two Urns Of A Station Give One Report
    [Documentation]    One urn's export is loaded into the other, which prints the report of the station.
    [Tags]    rep-007
    Run The Procedure    report.consolidation
    Requirement REP-007 Should Be Met

After Closing There Is No Way Back To Voting
    [Documentation]    Every role tries to open and to test, with the clock put back, and after a restart.
    [Tags]    rep-008
    Run The Procedure    report.reopening
    Requirement REP-008 Should Be Met

Printed Report, Totals And Records Agree
    [Documentation]    The paper, the totals over the link, and the sum of the cast vote records.
    [Tags]    rep-009
    Run The Procedure    report.results
    Requirement REP-009 Should Be Met


*** Keywords ***
Look At The Zero Report
    [Documentation]    Before the polls open: what the paper says, and that all of it is zero.
    Print The Zero Report
    The Report Should Carry Date And Time
    The Report Should Name Election Station And Device
    The Report Should Name The Software
    Every Register Should Be Zero

Look While The Polls Are Open
    [Documentation]    Ballot counts may be seen, votes may not.
    Totals Should Be Refused
    Print The Status Report
    The Report Should Show No Votes

Look At The Results
    [Documentation]    After closing: the paper, the link and the records say what was cast.
    Print The Results Report
    The Report Should Carry Date And Time
    Paper Link And Records Should Agree With The Ballots
