package journal

import "errors"

var (
	// ErrFenced says that another writer has the log: end at once with status 78
	// (EX_CONFIG of sysexits.h), which the unit's RestartPreventExitStatus= names.
	ErrFenced = errors.New("another agent writes this host's journal")
	// ErrUnavailable says that nothing was stored, and that later it may work: a
	// full disk, a server that is being restarted.
	ErrUnavailable = errors.New("the journal can't be written")
	// ErrOverloaded says that too many batches of alerts wait to be read.
	ErrOverloaded = errors.New("too many alerts wait to be read")
	// ErrTooLarge says that a message would be longer than [MaxPayload].
	ErrTooLarge = errors.New("longer than a message may be")
	// ErrStuck says that the server can't be stopped any more. Only a new process
	// helps; the failure is counted, and the third in a row sets the store aside.
	ErrStuck = errors.New("the NATS server is stuck")
	// ErrDiverged says that an event was stored after all though its append had
	// failed: what the caller believes is not what the log says, so start again.
	ErrDiverged = errors.New("the journal holds an event that was given up")
	// ErrNewer says that a newer agent wrote the log.
	ErrNewer = errors.New("a newer agent wrote the journal")
	// ErrNotFound says that what was asked for is not there, or no longer.
	ErrNotFound = errors.New("not found")
)
