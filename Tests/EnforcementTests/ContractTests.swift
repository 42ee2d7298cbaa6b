// SPDX-License-Identifier: Apache-2.0
import Contract
import Testing

@testable import Enforcement

/// bpf/contract.h asserts the sizes for the gate; mapd must see the same bytes.
@Suite struct ContractTests {
  @Test func structsHaveTheSizesThatTheContractAsserts() {
    #expect(MemoryLayout<hf_cgroup_key>.size == 16)
    #expect(MemoryLayout<hf_binding>.size == 88)
    #expect(MemoryLayout<hf_pid_ns>.size == 24)
    #expect(MemoryLayout<hf_rule_key>.size == 24)
    #expect(MemoryLayout<hf_report_key>.size == 40)
    #expect(MemoryLayout<hf_report>.size == 24)
    #expect(MemoryLayout<hf_event>.size == 104)
    #expect(MemoryLayout<hf_config>.size == 64)
  }

  @Test func noStructHasUnnamedPaddingAtItsEnd() {
    #expect(MemoryLayout<hf_cgroup_key>.stride == MemoryLayout<hf_cgroup_key>.size)
    #expect(MemoryLayout<hf_binding>.stride == MemoryLayout<hf_binding>.size)
    #expect(MemoryLayout<hf_rule_key>.stride == MemoryLayout<hf_rule_key>.size)
    #expect(MemoryLayout<hf_config>.stride == MemoryLayout<hf_config>.size)
  }

  @Test func offsetsAreThoseOfC() {
    #expect(MemoryLayout<hf_cgroup_key>.offset(of: \.hierarchy) == 8)
    #expect(MemoryLayout<hf_rule_key>.offset(of: \.path) == 8)
    #expect(MemoryLayout<hf_config>.offset(of: \.levels) == 32)
    #expect(MemoryLayout<hf_config>.offset(of: \.epoch) == 40)
    #expect(MemoryLayout<hf_config>.offset(of: \.v1_hierarchy) == 48)
    #expect(MemoryLayout<hf_binding>.offset(of: \.root_mnt_unique) == 24)
    #expect(MemoryLayout<hf_binding>.offset(of: \.started_sec) == 72)
    #expect(MemoryLayout<hf_event>.offset(of: \.path_len) == 84)
    #expect(MemoryLayout<hf_event>.offset(of: \.comm) == 88)
  }

  @Test func swiftNamesHaveTheContractsValues() {
    #expect(Mode.off.rawValue == UInt8(HF_MODE_OFF.rawValue))
    #expect(Mode.learn.rawValue == UInt8(HF_MODE_LEARN.rawValue))
    #expect(Mode.monitor.rawValue == UInt8(HF_MODE_MONITOR.rawValue))
    #expect(Mode.protect.rawValue == UInt8(HF_MODE_PROTECT.rawValue))
    #expect(NewBinding.Controller.pids.rawValue == HF_V1_PIDS.rawValue)
    #expect(NewBinding.Controller.memory.rawValue == HF_V1_MEMORY.rawValue)
    #expect(AttachPoint.allCases.map(\.code) == [1, 2, 3])
  }

  @Test func aBindingFieldIsSetForEverythingThatIsKnown() {
    var new = newBinding(7)
    new.overlay = .init(device: 1, upperInode: 2, workInode: 3)
    new.runningRootMount = 4
    let binding = new.contract(id: 9)
    #expect(binding.id == 9 && binding.mnt_ns == 100 && binding.pid_ns == 1007 && binding.init_tgid == 77)
    #expect(binding.flags == HF_BINDING_OWN_PID_NS | HF_BINDING_OVERLAY | HF_BINDING_SEAL_ANY)
    #expect(binding.upper_dev == 1 && binding.upper_ino == 2 && binding.work_ino == 3)
    #expect(binding.root_mnt_id == 4 && binding.started_sec == 5 && binding.started_nsec == 6)
  }

  @Test func aBindingBeforeTheStartIsNotSealed() {
    var new = newBinding(7)
    new.hasOwnPidNamespace = false
    #expect(new.contract(id: 0).flags == 0)
  }
}
