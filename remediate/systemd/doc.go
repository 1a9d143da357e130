// Package systemd looks at units of this host and acts on them, over D-Bus and
// nothing else: the rights are polkit's to give, one unit and verb at a time, and
// no program is run but journalctl, to read.
//
// A [Bus] keeps the connection; [Units] is what an engine needs of units on top
// of it: actions with witnesses, situations for the gates, probes and evidence.
//
// Three properties of systemd shape everything here. A job outlives who asked for
// it, so a lost answer is in doubt and the InvocationID, which changes exactly
// when a unit is started anew, tells later what happened. A job that is done says
// nothing about the unit's health, so probes are samples that are compared. And a
// start beyond StartLimitBurst= leaves a healthy unit dead, so starts are counted
// before one is asked for.
package systemd
