*** Settings ***
Documentation    Metrological control: which software counts, and who has touched what.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        metrology


*** Test Cases ***
Every Report Names The Software That Counts
    [Documentation]    The identifier on the paper is the one that the urn identifies itself with.
    [Tags]    met-001
    Run The Procedure    metrology.software_id
    Requirement MET-001 Should Be Met

The Event Counter Counts Every Change And Never Goes Back
    [Documentation]    Parameter, clock, key, definition; then a reset of the election and a restart.
    [Tags]    met-003
    Run The Procedure    metrology.event_counter
    Requirement MET-003 Should Be Met
