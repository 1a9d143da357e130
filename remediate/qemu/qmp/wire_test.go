package qmp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestALineIsReadWholeUpToTheLimit(t *testing.T) {
	const limit = 10_000
	fits := strings.Repeat("x", limit-2)
	for _, c := range []struct {
		says string
		want string
		err  error
	}{
		{"{}\r\n", "{}", nil},
		{"{}\n", "{}", nil},
		{fits + "\r\n", fits, nil},
		{fits + "xx\n", "", ErrProtocol},
		{strings.Repeat("x", 10*limit), "", ErrProtocol},
		{"{}", "", io.EOF}, // cut off
		{"", "", io.EOF},
	} {
		got, err := readLine(bufio.NewReader(strings.NewReader(c.says)), limit)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%.20q…: got %.20q…, %v; want %.20q…, %v", c.says, got, err, c.want, c.err)
		}
	}
}

// What decodes is of one kind, whatever came.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		`{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}`,
		`{"return": {}, "id": "1"}`,
		`{"return": null, "id": 1}`,
		`{"id": "1", "error": {"class": "GenericError", "desc": "no"}}`,
		`{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET", "data": {"guest": false}}`,
		`{"event": "X", "return": {}}`, `{}`, `[]`, `null`, `"`, "\xff",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := decode(line)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		isGreeting, isEvent, isAnswer := m.Greeting != nil, m.Event.Event != "", m.Return != nil || m.Error != nil
		if isGreeting && isEvent || isEvent && isAnswer || isAnswer && isGreeting || !isGreeting && !isEvent && !isAnswer {
			t.Errorf("%q is of no one kind: %+v", line, m)
		}
		if a := m.answer(); isAnswer && (a.value == nil) == (a.err == nil) {
			t.Errorf("%q is both done and refused", line)
		}
	})
}

// Lines come out as they went in, however they lie in the buffer.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte("{}\r\n{}\n\n"), 3)
	f.Add(bytes.Repeat([]byte("x"), 5000), 4096)
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		limit = min(max(limit, 0), 1<<20)
		r := bufio.NewReaderSize(bytes.NewReader(stream), 16)
		for line := range bytes.Lines(stream) {
			got, err := readLine(r, limit)
			if err != nil {
				if len(line) <= limit && line[len(line)-1] == '\n' {
					t.Errorf("%q: %v", line, err)
				}
				return
			}
			if want := bytes.TrimRight(line, "\r\n"); len(line) > limit || !bytes.Equal(got, want) {
				t.Errorf("got %q, want %q, at most %d bytes", got, want, limit)
			}
		}
	})
}

// Whatever somebody gives to Run, only what is listed gets through.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"execute":"query-status","id":1}`))
	f.Add([]byte(`{"execute":"transaction","arguments":{"actions":[{"type":"blockdev-snapshot"}]}}`))
	f.Add([]byte(`{"execute":"stop","execute":"cont"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parse(line)
		if err != nil || permit(r.Execute, r.Arguments) != nil {
			return
		}
		sent, err := command{Execute: r.Execute, Arguments: r.Arguments, ID: "1"}.encode()
		if err != nil || bytes.Count(sent, []byte("\n")) != 1 || !slices.Contains(listed, r.Execute) {
			t.Errorf("%q was let through as %q: %v", line, sent, err)
		}
	})
}
