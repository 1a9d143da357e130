package guest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// systemdProgram is Debian's, as the kernel's command line names it (rdinit=).
const systemdProgram = "/usr/lib/systemd/systemd"

// SystemdCommandLine is what the kernel is told where systemd is process 1, with one
// unit: what an initramfs of [WriteSystemdInitrd] holds.
const SystemdCommandLine = "console=ttyS0 quiet panic=-1 no_timer_check rdinit=" + systemdProgram + " systemd.unit=program.service systemd.show_status=0"

// program is the one unit. It has what is usual for one of its own, and no dependencies.
const program = `[Unit]
DefaultDependencies=no
[Service]
ExecStart=/program
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
OOMScoreAdjust=-900
`

// WriteSystemdInitrd writes an initramfs whose process 1 is the systemd of a root
// directory, with the libraries that it needs and nothing else, and which runs a static
// program, beside the units that it is given by their names. It knows no device but the
// console and the memory.
func WriteSystemdInitrd(w io.Writer, root, static string, units map[string]string) error {
	a := &archive{w: w}
	a.addDirectories("dev", "proc", "sys", "run", "tmp", "etc", "etc/systemd", "etc/systemd/system", "usr", "usr/lib", "usr/lib/systemd")
	files, err := libraries(root)
	if err != nil {
		return err
	}
	made := map[string]bool{"/usr": true, "/usr/lib": true, "/usr/lib/systemd": true}
	for _, file := range append(files, systemdProgram) {
		a.addParents(file, made)
		a.addFile(strings.TrimPrefix(file, "/"), filepath.Join(root, file))
	}
	a.addFile("program", static)
	a.add("etc/systemd/system/program.service", modeFile|0o644, []byte(program))
	for _, target := range []string{"sysinit", "basic", "shutdown", "timers"} {
		a.add("etc/systemd/system/"+target+".target", modeFile|0o644, []byte("[Unit]\nDefaultDependencies=no\n"))
	}
	for name, text := range units {
		a.add("etc/systemd/system/"+name, modeFile|0o644, []byte(text))
	}
	a.add("etc/machine-id", modeFile|0o644, nil)
	return a.close()
}

// addParents adds the directories above a file that are not there yet.
func (a *archive) addParents(file string, made map[string]bool) {
	dir := filepath.Dir(file)
	if dir == "/" || made[dir] {
		return
	}
	a.addParents(dir, made)
	made[dir] = true
	a.addDirectories(dir)
}

// libraries are what the root's systemd loads, the loader too, by what the loader itself
// says of it (ld.so(8), --list): "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)".
func libraries(root string) ([]string, error) {
	const loader = "/lib64/ld-linux-x86-64.so.2"
	cmd := exec.Command(loader, "--list", systemdProgram)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot tell what the systemd of %s loads: %w", root, err)
	}
	files := []string{loader}
	for line := range strings.Lines(string(out)) {
		for _, word := range strings.Fields(line) {
			if _, err := os.Stat(filepath.Join(root, word)); strings.HasPrefix(word, "/") && word != loader && err == nil {
				files = append(files, word)
			}
		}
	}
	return files, nil
}
