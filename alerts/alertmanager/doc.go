// Package alertmanager speaks to Alertmanagers over their API, version 2: which
// alerts they have, which silences, and alerts and silences of our own.
//
// Of each answer only what is used is read, and only so much of it. What an alert or
// a silence says is text: nothing of it is ever asked, followed or run.
package alertmanager
