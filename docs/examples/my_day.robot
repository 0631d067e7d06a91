*** Settings ***
Documentation    A day that an auditor wrote in Robot Framework alone: nothing else is needed but the library.
...              robot docs/examples/my_day.robot

Library          kalys.robot.KalysLibrary    bench=emulated-station    seed=${SEED}    defects=${DEFECTS}


*** Variables ***
${SEED}       1
${DEFECTS}    ${EMPTY}


*** Test Cases ***
A Small Day Of My Own
    [Documentation]    Two urns, twenty voters, a jam, and an operator who wants to see the totals at noon.
    A Day            my-day    begins=07:00
    A Station        1001    urn-1=KG-PL    urn-2=KG-SM-27
    A Kit            kit-1    check_in=20    slowest=50
    Voters           number=20    first=08:01    last=19:30    mistakes={two-marks: 0.1, upside-down: 0.1}
    Voters Come      08:00    60
    Voters Come      10:00    130
    At    07:15      zero-report
    At    08:00      open
    At    12:00      attempt    command=totals    by=operator
    After    open    status-report    seconds=6 h
    At    20:00      close
    At    20:10      export
    Fault            jam    sheet=5    urns=urn-1    at_mm=440
    Expect           zero-report-is-zero    at=07:30
    Expect           report-printed    after=close    report=results    within=5 min
    Expect           counters-equal-box    at=20:12
    Play The Day
    Nothing Should Speak Against The Station
