package agent

import (
	"context"
	"errors"
	"log/slog"

	"nightshift/remediate/inventory"
)

// makeVMs makes the inventory's virtual machines.
func makeVMs(*world, *inventory.File, map[string]*machine, *slog.Logger) map[string]*machine {
	return map[string]*machine{}
}

// VerifyCheckpoint reads a promoted checkpoint whole.
func VerifyCheckpoint(context.Context, Settings, string, string, func(done, total int64)) (string, error) {
	return "", errors.New("cannot verify: not there yet")
}

// Promote makes a checkpoint the last known good.
func Promote(context.Context, Settings, string, string, func(done, total int64)) (string, error) {
	return "", errors.New("cannot promote: not there yet")
}
