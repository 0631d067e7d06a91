*** Settings ***
Documentation    What an auditor reads: the election day, the reports, the log, metrological control, and
...              the laboratory's own records. The same procedures are behind the pytest suites.
...
...              Run alone:    robot --variable BENCH:emulated-station test_suites/robot
...              With all else:    kalys certify
Metadata         Bench    ${BENCH}
Metadata         Plan    ${PLAN}
Metadata         Seed    ${SEED}


*** Variables ***
${BENCH}    emulated-station
${PLAN}     quick
${SEED}     1
