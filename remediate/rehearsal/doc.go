// Package rehearsal runs alerts through the real engine, ledger and gates in
// virtual time, with a world that a script speaks for: what would come of these
// alerts, if the probes and the steps answered so?
//
// Nothing in it reads a clock or runs beside anything else, so the same script
// always comes to the same, event for event, and an hour is over at once.
package rehearsal
