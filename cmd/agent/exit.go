package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"nightshift/remediate/agent"
	"nightshift/remediate/strict"
)

// The exit statuses. The unit's RestartPreventExitStatus= names statusConfig.
const (
	statusOK     = 0
	statusFailed = 1 // it could not be done, or something is unhealthy
	statusUsage  = 2 // the command line is wrong; of `check`, it can't be told
	// statusConfig says that starting again helps nobody until a person has
	// changed something: EX_CONFIG of sysexits.h.
	statusConfig = 78
)

// failure is an error that ends the program with a status of its own.
type failure struct {
	status int
	// err is what is said; nil when everything was said already.
	err error
}

func (f failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit status %d", f.status)
	}
	return f.err.Error()
}

func (f failure) Unwrap() error { return f.err }

// wrongUse says what is wrong with the command line.
func wrongUse(format string, args ...any) error {
	return failure{statusUsage, fmt.Errorf(format, args...)}
}

// conclude tells what went wrong, if anything, and returns the exit status.
func (c *cli) conclude(command *cobra.Command, err error) int {
	if err == nil {
		return statusOK
	}
	status := c.statusOf(err)
	if f := new(failure); errors.As(err, f) && f.err == nil {
		return status
	}
	fmt.Fprintln(c.err, "nightshift: "+err.Error())
	if status == statusUsage && command != nil {
		fmt.Fprintf(c.err, "See `%s --help`.\n", command.CommandPath())
	}
	return status
}

// statusOf is the status that an error ends the program with. What is wrong
// before a command's own work begins is the command line.
func (c *cli) statusOf(err error) int {
	f := new(failure)
	switch {
	case errors.As(err, f):
		return f.status
	case !c.begun:
		return statusUsage
	case errors.Is(err, agent.ErrFenced), errors.Is(err, agent.ErrConfig), errors.As(err, new(strict.Errors)):
		return statusConfig
	}
	return statusFailed
}
