package world

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// keeper is the process that holds a world, and our pipes to it.
type keeper struct {
	dir     string
	cmd     *exec.Cmd
	control *os.File // the world lives as long as this is open
	answers *bufio.Reader
	log     *tailBuffer   // what it said on standard error
	ended   chan struct{} // closed when the process is gone
	err     error         // how it ended, once ended is closed
}

// startKeeper starts the keeper of the world in dir, in a session and a mount
// namespace of its own: no interrupt at the terminal reaches it, and none of
// its mounts reaches the host.
func startKeeper(tool, dir, root, hostname string, lock *os.File) (*keeper, error) {
	k := &keeper{
		dir:   dir,
		cmd:   exec.Command(tool, "hold", dir, root, hostname),
		log:   &tailBuffer{limit: 4096},
		ended: make(chan struct{}),
	}
	commands, control, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer commands.Close()
	answers, replies, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer replies.Close()
	k.control, k.answers = control, bufio.NewReader(answers)
	k.cmd.Stdin, k.cmd.Stdout, k.cmd.Stderr = commands, replies, k.log
	k.cmd.ExtraFiles = []*os.File{lock}
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS}
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the world's keeper: %w", err)
	}
	go func() {
		k.err = k.cmd.Wait()
		close(k.ended)
	}()
	return k, nil
}

// expect reads the keeper's next answer, which must begin with word, and
// returns the rest of it. The keeper answers or dies within seconds.
func (k *keeper) expect(word string) (string, error) {
	line, err := k.answers.ReadString('\n')
	if err != nil {
		<-k.ended // for all that it had to say
		return "", k.alive()
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), word)
	if !ok {
		return "", fmt.Errorf("cannot understand the keeper's %q, want %q", line, word)
	}
	return strings.TrimSpace(rest), nil
}

// alive tells whether the world is still held, and if not, why.
func (k *keeper) alive() error {
	select {
	case <-k.ended:
		return fmt.Errorf("cannot go on without the world's keeper, which has ended (%w): %s", k.err, k.log)
	default:
		return nil
	}
}

// release lets the world go and waits until nothing is left of it. A keeper
// that does not manage in time is killed, and the kernel kills its world.
func (k *keeper) release() error {
	_ = k.control.Close()
	select {
	case <-k.ended:
		return k.failure()
	case <-time.After(stopDeadline):
	}
	_ = k.cmd.Process.Kill()
	<-k.ended
	return errors.Join(errors.New("cannot take the world down in time: its keeper was killed"), os.RemoveAll(k.dir))
}

// failure is how the keeper ended, unless that was well. The exit status is
// told as text: no caller shall take it for a program's that ran inside.
func (k *keeper) failure() error {
	if k.err == nil {
		return nil
	}
	return fmt.Errorf("cannot take the world down properly: its keeper ended with %v: %s", k.err, k.log)
}
