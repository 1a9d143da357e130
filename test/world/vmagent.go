package world

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nightshift/test/guest"
)

// How the virtual machine is told to run an agent: its own initramfs and disk, the
// port of the agent's webhook beside the machine's own, and the memory for it.
const (
	vmSettings  = "/etc/rave/vm.env"
	agentInitrd = "/usr/lib/rave/guest/initrd-agent"
	stateDisk   = liveDir + "/" + guest.StateSerial + ".qcow2"
	// guestWebhook is the guest's port of that, on the host.
	guestWebhook = "http://127.0.0.1:9807/webhook/alertmanager"

	inhabited = "\nMEMORY=320\nFORWARD=tcp::3002-:3002,hostfwd=tcp::9807-:9797\nEXTRA='" +
		"-kernel " + GuestKernel + " -initrd " + agentInitrd + ` -append "` + guest.CommandLine + `"` +
		" -blockdev driver=qcow2,node-name=state,file.driver=file,file.filename=" + stateDisk +
		" -device virtio-blk-pci,id=state,drive=state,serial=" + guest.StateSerial + "'\n"
)

// Inhabit has the machine run the world's own agent inside, from its next start on:
// with an inventory of its own, the world's token, and its state on a disk of its
// own, which begins with the files of a directory of this host. The function undoes
// it.
func (v VM) Inhabit(ctx context.Context, inventory []byte, state string) (undo func() error, err error) {
	agent := guest.Agent{Program: v.w.Path(agentProgram), Inventory: inventory, Token: []byte(v.w.token)}
	if err := v.w.writeAgentInitrd(ctx, agent); err != nil {
		return nil, err
	}
	if err := v.makeStateDisk(ctx, state); err != nil {
		return nil, err
	}
	before, err := os.ReadFile(v.w.Path(vmSettings))
	if err != nil {
		return nil, err
	}
	undo = func() error { return v.w.WriteFile(vmSettings, before, 0o644) }
	return undo, v.w.WriteFile(vmSettings, append(before[:len(before):len(before)], inhabited...), 0o644)
}

func (w *World) writeAgentInitrd(ctx context.Context, agent guest.Agent) error {
	c, err := openCache()
	if err != nil {
		return err
	}
	dir, err := guestKernel(ctx, c, io.Discard)
	if err != nil {
		return err
	}
	init, err := buildOwn(ctx, c, "guest/init")
	if err != nil {
		return err
	}
	var initrd bytes.Buffer
	if err := guest.WriteInitrdWith(&initrd, dir, init, agent); err != nil {
		return err
	}
	return w.WriteFile(agentInitrd, initrd.Bytes(), 0o644)
}

// stateSize is room for the journal's streams, which are made at their full size.
const stateSize = "256M"

// makeStateDisk makes ext4 of a directory's files, with the world's own programs.
func (v VM) makeStateDisk(ctx context.Context, from string) error {
	const files, raw = "/var/tmp/state", "/var/tmp/state.raw"
	for _, path := range []string{files, raw} {
		if err := os.RemoveAll(v.w.Path(path)); err != nil {
			return err
		}
	}
	if err := copyWithModes(v.w.Path(files), from); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{"mke2fs", "-q", "-t", "ext4", "-d", files, raw, stateSize},
		{"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, stateDisk},
		{"chmod", "0660", stateDisk},
	} {
		if _, err := v.w.Exec(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

// copyWithModes copies a directory, each file as readable as it was: [os.CopyFS] lets
// everybody read what it writes, and nobody takes a seed from a file like that.
func copyWithModes(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, strings.TrimPrefix(path, from)), info.Mode().Perm())
	})
}

// insideWithin bounds one command in the guest: starting the program takes a second
// or two there.
const insideWithin = 30 * time.Second

// Nightshift runs the command line inside the guest as root, and returns what it
// writes.
func (v VM) Nightshift(ctx context.Context, input string, args ...string) (string, error) {
	return v.post(ctx, VMEndpoint+"nightshift?"+url.Values{"arg": args}.Encode(), input)
}

// Alert posts a notification to the agent inside the guest, as an Alertmanager does.
func (v VM) Alert(ctx context.Context, body string) error {
	_, err := v.post(ctx, guestWebhook, body)
	return err
}

func (v VM) post(ctx context.Context, url, body string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, insideWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+v.w.token)
	answer, err := v.w.HTTPClient().Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("cannot have the agent inside do %s: it answers %d: %s", url, answer.StatusCode, text)
	}
	return string(text), err
}
