*** Settings ***
Documentation    The laboratory looks at its own run. This comes last, and only where the whole plan was run
...              (kalys certify); elsewhere the tests are skipped.

Resource         kalys.resource

Test Setup       The Whole Plan Should Have Run

Test Tags        laboratory


*** Test Cases ***
Every Requirement Of The Plan Was Tested
    [Documentation]    Each requirement of the conformance statement was observed by a procedure that was run.
    [Tags]    lab-001
    Run The Procedure    laboratory.coverage
    Requirement LAB-001 Should Be Met

Every Record Holds What A Test Record Must
    [Documentation]    The nine parts of VVSG 2.0, 1.3-A.
    [Tags]    lab-002
    Run The Procedure    laboratory.records
    Requirement LAB-002 Should Be Met

Every Verdict Is A Word Of The Scheme
    [Documentation]    One verdict for each requirement, with its reason, and none that passes without data.
    [Tags]    lab-004
    Run The Procedure    laboratory.verdicts
    Requirement LAB-004 Should Be Met

The Evidence Is Hashed, Chained And Can Be Signed
    [Documentation]    The journal is read again from the disk and its chain followed to the last record.
    [Tags]    lab-005
    Run The Procedure    laboratory.evidence
    Requirement LAB-005 Should Be Met
