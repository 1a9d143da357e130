package qmp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/digitalocean/go-qemu/qmp"
)

// MaxMessage is the longest line that is read from QEMU, in bytes: 64 MiB, the
// bound that QEMU sets itself for what it reads (MAX_TOKEN_SIZE in
// qobject/json-streamer.c). A longer one ends the connection.
const MaxMessage = 64 << 20

// shown is how much of a bad line stands in an error, in bytes.
const shown = 80

// message is any line that QEMU sends: one of greeting, answer or event.
type message struct {
	Greeting *greeting       `json:"QMP"`
	ID       json.RawMessage `json:"id"`
	Return   json.RawMessage `json:"return"`
	Error    *Error          `json:"error"`
	qmp.Event
}

type greeting struct {
	Version qmp.Version `json:"version"`
}

// readLine reads one line of at most limit bytes into a buffer of its own, and
// takes its end off.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, fmt.Errorf("%w: a line is longer than %d bytes", ErrProtocol, limit)
		}
		line = append(line, part...)
		if err == nil {
			return bytes.TrimRight(line, "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

// decode reads a line as QEMU writes one (never with pretty=on).
func decode(line []byte) (message, error) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("%w: %v in %s", ErrProtocol, err, beginning(line))
	}
	kinds := 0
	for _, is := range []bool{m.Greeting != nil, m.Return != nil, m.Error != nil, m.Event.Event != ""} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		return message{}, fmt.Errorf("%w: neither greeting nor answer nor event: %s", ErrProtocol, beginning(line))
	}
	return m, nil
}

// beginning is as much of a line as an error may show, quoted.
func beginning(line []byte) string {
	if len(line) > shown {
		return fmt.Sprintf("%q…", line[:shown])
	}
	return fmt.Sprintf("%q", line)
}

// id is the id of an answer, if it has one of the kind that we give.
func (m message) id() (string, bool) {
	var id string
	err := json.Unmarshal(m.ID, &id)
	return id, err == nil && id != ""
}

// answer is what QEMU returned, or its refusal.
type answer struct {
	value json.RawMessage
	err   error
}

func (m message) answer() answer {
	if m.Error != nil {
		return answer{err: m.Error}
	}
	return answer{value: m.Return}
}

// command is a line that we send.
type command struct {
	Execute   string          `json:"execute"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	ID        string          `json:"id"`
}

// encode writes a command as one line.
func (c command) encode() ([]byte, error) {
	line, err := json.Marshal(c)
	return append(line, '\n'), err
}
