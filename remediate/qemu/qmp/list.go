package qmp

import (
	stdjson "encoding/json"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json" // refuses a name twice, and names in another case
)

// The commands that this package sends; doc.go says what each is for.
const (
	qmpCapabilities      = "qmp_capabilities"
	queryStatus          = "query-status"
	queryVersion         = "query-version"
	queryBlock           = "query-block"
	queryNamedBlockNodes = "query-named-block-nodes"
	queryBlockJobs       = "query-block-jobs"
	screendump           = "screendump"
	blockdevAdd          = "blockdev-add"
	blockdevDel          = "blockdev-del"
	blockdevSnapshot     = "blockdev-snapshot"
	transaction          = "transaction"
	cont                 = "cont"
	systemPowerdown      = "system_powerdown"
	systemReset          = "system_reset"
	quit                 = "quit"
)

var listed = []string{
	qmpCapabilities,
	queryStatus, queryVersion, queryBlock, queryNamedBlockNodes, queryBlockJobs,
	screendump,
	blockdevAdd, blockdevDel, blockdevSnapshot, transaction,
	cont, systemPowerdown, systemReset, quit,
}

// Listed are the names of the commands that can be sent, in the order of the
// package's documentation.
func Listed() []string { return slices.Clone(listed) }

// permit refuses what is not on the list, before anything is sent.
func permit(execute string, arguments stdjson.RawMessage) error {
	if !slices.Contains(listed, execute) {
		return fmt.Errorf("cannot send %q: %w", execute, ErrNotListed)
	}
	if execute == transaction {
		return permitActions(arguments)
	}
	return nil
}

// permitActions looks into a transaction, which would carry other commands past
// the list.
func permitActions(arguments stdjson.RawMessage) error {
	var inside struct {
		Actions []struct {
			Type string `json:"type"`
		} `json:"actions"`
	}
	if err := json.Unmarshal(arguments, &inside); err != nil {
		return fmt.Errorf("cannot send a transaction: its actions cannot be read: %v: %w", err, ErrNotListed)
	}
	for _, action := range inside.Actions {
		if action.Type != blockdevSnapshot {
			return fmt.Errorf("cannot send a transaction with %q in it: %w", action.Type, ErrNotListed)
		}
	}
	return nil
}
