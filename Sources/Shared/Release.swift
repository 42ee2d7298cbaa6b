// SPDX-License-Identifier: Apache-2.0

/// The release that mapd, mapctl and oci-hook belong to. They are built and installed together.
public enum Release {
  public static var version: StaticString { "0.1.0" }
}
