*** Settings ***
Documentation    Security as far as the link shows it: who may do what, wrong keys, noise, old messages.

Resource         kalys.resource

Suite Setup      Open The Bench

Test Tags        security


*** Test Cases ***
What Is Not Permitted Is Refused And Logged
    [Documentation]    Every command, by every role and by nobody, in every state that forbids it.
    [Tags]    sec-006
    Run The Procedure    security.permissions
    Requirement SEC-006 Should Be Met

Critical Operations Need The Log-in And The Key
    [Documentation]    Software, keys, a definition, opening, closing, adding up, removing: with one
    ...    factor alone, and with both.
    [Tags]    sec-005
    Run The Procedure    security.second_factor
    Requirement SEC-005 Should Be Met

A Role Is Locked After A Few Wrong Log-ins
    [Documentation]    The right key does not open it, nor does a restart; only time does.
    [Tags]    sec-007
    Run The Procedure    security.lockout
    Requirement SEC-007 Should Be Met

Malformed Traffic Neither Stops The Urn Nor Counts Anything
    [Documentation]    Messages cut, doubled, spliced, with absurd fields, and plain noise.
    [Tags]    sec-011    met-002
    Run The Procedure    security.malformed_traffic
    Requirement SEC-011 Should Be Met
    Requirement MET-002 Should Be Met

What Was Captured Does Nothing When It Is Said Again
    [Documentation]    A log-in and an order, on the same connection, on another, after a restart.
    [Tags]    sec-012
    Run The Procedure    security.replay
    Requirement SEC-012 Should Be Met
