*** Settings ***
Documentation    An election day at a station with two urns, from seven in the morning until the results of both
...              urns stand on one report. What happens, and when, is written in
...              fixtures/election_days/kg-2021-ordinary.yaml.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        day


*** Test Cases ***
The Urn Says Who It Is
    [Documentation]    Maker, model, serial number, firmware with its hash, and the legally relevant software.
    The Device Should Identify Itself

The Day Is Played From Morning To Night
    [Documentation]    Self-test, zero report, voters, incidents, closing, reports, consolidation, as the script has it.
    Run The Election Day    kg-2021-ordinary

No Ballot Is Taken Before Eight Or After Closing
    [Documentation]    The commission tries to open too early; ballots are offered before and after the hours.
    [Tags]    tim-008
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To TIM-008

Nobody Sees Totals While The Polls Are Open
    [Documentation]    Operator and administrator ask by every command that gives totals.
    [Tags]    rep-004
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To REP-004

A Jammed Ballot Counts Once
    [Documentation]    A sheet sticks, is taken out under the open cover, and is fed again.
    [Tags]    pap-003
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To PAP-003

A Power Cut Loses No Ballot And Doubles None
    [Documentation]    The supply is cut while a ballot is on its way, and the battery is disconnected.
    [Tags]    pwr-003
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To PWR-003

The Final Report Comes In Time
    [Documentation]    From the closing command to the last line on the paper, on both urns.
    [Tags]    tim-009
    Run The Election Day    kg-2021-ordinary
    Requirement TIM-009 Should Be Met

Box, Totals And Records Agree In The Evening
    [Documentation]    The sheets that lie in the box are the truth that totals and records are compared with.
    [Tags]    acc-009
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To ACC-009

Printed Report, Totals And Records Agree In The Evening
    [Documentation]    Three ways in which the urn tells the same result.
    [Tags]    rep-009
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To REP-009

The Two Urns Give One Report
    [Documentation]    The results of urn-2 are brought to urn-1, which prints the report of the station.
    [Tags]    rep-007
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To REP-007

The Day Stands In The Log
    [Documentation]    Log-ins, zero report, opening, ballots and closing have left their entries.
    [Tags]    log-005
    Run The Election Day    kg-2021-ordinary
    The Day Should Keep To LOG-005
