// Why a benchmark keeps idle cores from halting. The measured server has a core of its own; load generator and upstream share the
// other. In front of a fast server that other core is never idle. In front of a slow one it halts between requests, and every write
// to a halted core costs the writer an interrupt to it: on a virtual machine an exit to the hypervisor, a dozen microseconds that
// are charged to the server under test. So a slow server would look slower than it is, and one half as fast much less than half.
//
// A busy loop of the lowest priority on that core does not help: waking somebody there still needs the interrupt. Polling does, for
// a core that polls sees the work by itself. Linux polls while somebody holds /dev/cpu_dma_latency open with 0 in it
// (Documentation/power/pm_qos_interface.rst), which needs root and a cpuidle driver with a polling state.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export type AwakeCores = Disposable & {
  /** For the report: which way the cores were idle. */
  readonly says: string;
};

const DEVICE = "/dev/cpu_dma_latency";
const FIRST_STATE = "/sys/devices/system/cpu/cpu0/cpuidle/state0/name";

/** Idle cores poll until this is disposed of, or the process ends, however it does. Where that cannot be had, says why and goes on. */
export function keepCoresAwake(wanted: "poll" | "sleep"): AwakeCores {
  if (wanted === "sleep") return leaveAsleep("as asked");
  const state = findFirstState();
  if (state !== "POLL") return leaveAsleep("this machine's cpuidle has no polling state");
  try {
    return holdLatencyAtZero();
  } catch {
    return leaveAsleep(`${DEVICE} cannot be written, which takes root`);
  }
}

function leaveAsleep(reason: string): AwakeCores {
  return { says: `idle cores may sleep (${reason})`, [Symbol.dispose]: () => undefined };
}

function findFirstState(): string | undefined {
  try {
    return readFileSync(FIRST_STATE, "latin1").trim();
  } catch {
    // No cpuidle driver.
    return undefined;
  }
}

function holdLatencyAtZero(): AwakeCores {
  const file = openSync(DEVICE, "r+");
  writeSync(file, Buffer.alloc(4));
  return { says: `idle cores poll (${DEVICE} held at 0)`, [Symbol.dispose]: () => closeSync(file) };
}
