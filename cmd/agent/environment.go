package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// defaultEnvironment is the file from which the unit takes the agent's settings,
// so that a person's commands find the same agent.
const defaultEnvironment = "/etc/nightshift/nightshift.env"

// maxEnvironment bounds such a file, in bytes.
const maxEnvironment = 64 << 10

// readEnvironment takes the settings that the environment lacks from the file
// that was asked for, or else from the usual one, which need not be there.
func (c *cli) readEnvironment(asked, usual string) error {
	name := asked
	if name == "" {
		name = usual
	}
	text, err := readBounded(name, maxEnvironment)
	switch {
	case asked == "" && errors.Is(err, fs.ErrNotExist):
		return nil
	case asked == "" && errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(c.err, "nightshift: cannot read %s: permission denied; going on with what the environment says\n", name)
		return nil
	case err != nil:
		return failure{statusConfig, fmt.Errorf("cannot read the settings: %w", err)}
	}
	return adopt(name, string(text))
}

// adopt sets the variables of a text that are ours and not set yet.
func adopt(name, text string) error {
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return failure{statusConfig, fmt.Errorf("cannot read %s:%d: expected NAME=VALUE", name, n+1)}
		}
		if _, set := os.LookupEnv(key); set || !strings.HasPrefix(key, "NIGHTSHIFT_") {
			continue
		}
		if err := os.Setenv(key, unquote(strings.TrimSpace(value))); err != nil {
			return failure{statusConfig, fmt.Errorf("cannot read %s:%d: %w", name, n+1, err)}
		}
	}
	return nil
}

// unquote takes the quotes from around a value, as EnvironmentFile= in
// systemd.exec(5) does.
func unquote(value string) string {
	if len(value) < 2 {
		return value
	}
	first, last := value[0], value[len(value)-1]
	if first == last && (first == '"' || first == '\'') {
		return value[1 : len(value)-1]
	}
	return value
}

// readBounded reads a file that may have at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounded(file, name, most)
}

// bounded reads to the end, which must come after at most so many bytes.
func bounded(from io.Reader, name string, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("cannot read %s: expected at most %d bytes", name, most)
	}
	return text, nil
}
