package journal

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// duplicates is the shortest window in which the server looks for equal message
// ids. Nothing of ours has one, and a start reads all messages of the window.
const duplicates = 100 * time.Millisecond

// storeDir is the server's store in the state directory.
const storeDir = "journal"

// logConfig is the stream of one epoch. What it stores it republishes, so people
// see stored events and nothing else; the snapshots' subject is no part of that.
func logConfig(host, epoch string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        logStream(host, epoch),
		Subjects:    []string{logSubject(host, "*"), snapshotSubject(host)},
		MaxBytes:    logBytes,
		Discard:     jetstream.DiscardOld,
		DenyDelete:  true,
		DenyPurge:   true,
		AllowDirect: true,
		Duplicates:  duplicates,
		RePublish: &jetstream.RePublish{
			Source:      logSubject(host, "*"),
			Destination: eventsSubject(host, "{{wildcard(1)}}"),
		},
	}
}

// retiredConfig is the stream of an epoch that was left: it can be read.
func retiredConfig(host, epoch string) jetstream.StreamConfig {
	config := logConfig(host, epoch)
	config.Subjects = []string{retiredSubject(host, epoch)}
	config.RePublish = nil
	return config
}

// alertsConfig is the stream of the batches of alerts. It may be purged: when it
// lost its end, its sequences must not be given out twice.
func alertsConfig(host string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        alertsStream(host),
		Subjects:    []string{alertsSubject(host)},
		MaxBytes:    alertsBytes,
		MaxAge:      keptFor,
		Discard:     jetstream.DiscardOld,
		DenyDelete:  true,
		AllowDirect: true,
		Duplicates:  duplicates,
	}
}

// evidenceConfig keeps texts under their digest, each once.
func evidenceConfig(host string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              evidenceStream(host),
		Subjects:          []string{evidenceSubject(host, "*")},
		MaxBytes:          evidenceBytes,
		MaxAge:            keptFor,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardOld,
		DenyDelete:        true,
		AllowDirect:       true,
		Duplicates:        duplicates,
	}
}

// canaryConfig keeps the one message that proves that the store can be written.
func canaryConfig(host string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:       canaryStream(host),
		Subjects:   []string{canarySubject(host)},
		MaxMsgs:    1,
		Discard:    jetstream.DiscardOld,
		Duplicates: duplicates,
	}
}
