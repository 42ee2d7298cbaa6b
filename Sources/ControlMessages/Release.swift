// SPDX-License-Identifier: Apache-2.0

/// The release that mapd and mapctl belong to. They are built and installed together.
public enum Release {
  public static let version = "0.1.0"
}
