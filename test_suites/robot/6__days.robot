*** Settings ***
Documentation    The other scripted days: a rush hour, 96 hours, failures, 28 November 2021, the edges, mistakes.
...              What happens on each is written in fixtures/election_days; a plan may leave days out.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        day


*** Test Cases ***
The Declared Throughput Is Held Through A Rush Hour
    [Documentation]    More voters than the urns take, and four bursts of a quarter of an hour.
    [Tags]    tim-007
    Run The Procedure    day.rush_hour
    The Day Should Keep To TIM-007    day.rush_hour

Ninety-six Hours At The Declared Rate Bring No Error
    [Documentation]    The duty cycle of the operating test; the climate needs a chamber.
    [Tags]    env-001
    Run The Procedure    day.operating_test
    The Day Should Keep To ENV-001    day.operating_test

Power Cuts And Jams Of A Bad Day Lose No Ballot
    [Documentation]    Everything fails once, power and paper at random as well.
    [Tags]    pwr-003
    Run The Procedure    day.failures
    The Day Should Keep To PWR-003    day.failures
    The Day Should Keep To PAP-003    day.failures

The Figures Of 28 November 2021 Add Up At The Station
    [Documentation]    One party vote on every valid sheet, both urns count every voter, one report for the station.
    [Tags]    rep-009    rep-007
    Run The Procedure    day.november
    The Day Should Keep To REP-009    day.november
    The Day Should Keep To REP-007    day.november

Nothing Counts Before Eight Or After Twenty, To The Second
    [Documentation]    The edges of the day, and every way back to voting.
    [Tags]    tim-008    rep-008
    Run The Procedure    day.edges
    The Day Should Keep To TIM-008    day.edges
    The Day Should Keep To REP-008    day.edges

Whatever The Operator Does Wrong, Nobody Sees Totals Early
    [Documentation]    An operator who makes every mistake of the manual.
    [Tags]    rep-004    log-004
    Run The Procedure    day.mistakes
    The Day Should Keep To REP-004    day.mistakes
    The Day Should Keep To LOG-004    day.mistakes
