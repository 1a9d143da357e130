package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"
)

func (c *cli) userKeyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "key NAME",
		Short: "Make a key on this machine: the seed stays here, the public half is printed",
		Long: "Make a key on this machine. The seed is written to a file that only you can read, and is never printed:\n" +
			"it does not leave this machine. The public half is printed, for whoever keeps the inventory.",
		Example:           "  nightshift user key oncall-1",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	file := command.Flags().String("file", "", "where the seed is written (default: NAME.nk in nightshift/ of your configuration)")
	output, dryRun := addOutput(command), addDryRun(command)
	command.RunE = func(_ *cobra.Command, args []string) error {
		name, err := userName(args[0])
		if err != nil {
			return err
		}
		if *file == "" {
			if *file, err = usualSeed(name); err != nil {
				return err
			}
		}
		if *dryRun {
			newScreen(c.out).line(say("would make a key for " + name + " and write its seed to " + *file))
			return nil
		}
		return c.makeKey(name, *file, output.json())
	}
	return command
}

// userNames are what NATS can have as one token of a subject, and what the agent
// takes: the same as a host's name.
var userNames = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

func userName(name string) (string, error) {
	if !userNames.MatchString(name) {
		return "", wrongUse("cannot use the name %q: expected 1 to 63 of a-z, 0-9 and -", name)
	}
	return name, nil
}

// usualSeed is where a person's seed lies unless they say so.
func usualSeed(name string) (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("cannot tell where your configuration lies: %w; add --file", err)
	}
	return filepath.Join(dir, "nightshift", name+".nk"), nil
}

// newKey is what `user key` answers. The seed is not in it.
type newKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
	File string `json:"file"`
}

func (c *cli) makeKey(name, file string, json bool) error {
	public, err := writeSeed(file)
	if err != nil {
		return err
	}
	made := newKey{name, public, file}
	if json {
		return writeJSON(c.out, made)
	}
	newScreen(c.out).line(say(public))
	s := newScreen(c.err)
	s.line(say("The seed is in " + file + ". It stays there: nobody else needs it, and the agent never sees it."))
	s.line(say("Whoever keeps the inventory adds you with: nightshift user add " + name + " --key " + public + " --approves restart"))
	return nil
}

// writeSeed makes a key, writes its seed to a new file that only its owner can read,
// and returns the public half. A file that is there is left alone: it may be the only
// copy of a seed.
func writeSeed(file string) (public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", fmt.Errorf("cannot make a key: %w", err)
	}
	defer pair.Wipe()
	seed, err := pair.Seed()
	if err != nil {
		return "", fmt.Errorf("cannot make a key: %w", err)
	}
	defer clear(seed)
	if public, err = pair.PublicKey(); err != nil {
		return "", fmt.Errorf("cannot make a key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("cannot keep the seed: %w", err)
	}
	return public, writeSecret(file, seed)
}

// writeSecret writes a file that must not be there yet, for its owner only.
func writeSecret(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("cannot keep the seed in %s: there is a file already, and it may be the only copy of a seed; choose another with --file", file)
	case err != nil:
		return fmt.Errorf("cannot keep the seed: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot keep the seed: %w", errors.Join(err, os.Remove(file)))
	}
	return nil
}
