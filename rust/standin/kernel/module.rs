// SPDX-License-Identifier: GPL-2.0

//! Modules.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

use crate::Result;

/// The module that is being loaded. Here it is but a name for it.
pub struct ThisModule(());

impl ThisModule {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self(())
    }
}

/// What is loaded. Its `Drop` is what unloading does.
pub trait Module: Sized + Sync + Send {
    /// Called when the module is loaded.
    ///
    /// # Errors
    ///
    /// What loading the module fails with.
    fn init(module: &'static ThisModule) -> Result<Self>;
}

/// Makes a kernel module of a type that implements [`Module`].
#[macro_export]
macro_rules! module {
    (
        type: $type:ident,
        name: $name:literal,
        authors: [$($author:literal),* $(,)?],
        description: $description:literal,
        license: $license:literal $(,)?
    ) => {
        /// The name of the module, in front of what it prints.
        const __LOG_PREFIX: &::core::ffi::CStr =
            match ::core::ffi::CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!(),
            };

        #[doc(hidden)]
        mod __module {
            static THIS_MODULE: $crate::ThisModule = $crate::ThisModule::new();
            static mut MODULE: Option<super::$type> = None;

            // Both are called by the functions that `../helpers.c` makes the module's, whose
            // compiler gives them the types that the kernel expects of what it calls.
            #[no_mangle]
            extern "C" fn rust_module_init() -> $crate::ffi::c_int {
                match <super::$type as $crate::Module>::init(&THIS_MODULE) {
                    Ok(module) => {
                        // SAFETY: The kernel calls this once, and `rust_module_exit()`, the only
                        // other user of `MODULE`, after it has returned.
                        unsafe { MODULE = Some(module) };
                        0
                    }
                    Err(error) => error.to_errno(),
                }
            }

            #[no_mangle]
            extern "C" fn rust_module_exit() {
                // SAFETY: The kernel calls this once, after `rust_module_init()`, the only other
                // user of `MODULE`, has returned.
                unsafe { MODULE = None }
            }

            const INFO: &[u8] = concat!(
                $("author=", $author, "\0",)*
                "description=", $description, "\0",
                "license=", $license, "\0",
            ).as_bytes();

            // `#[no_mangle]` keeps it. `#[used]` would make a second section of that name with
            // some compilers, beside C's, and the kernel accepts one.
            #[no_mangle]
            #[link_section = ".modinfo"]
            #[allow(non_upper_case_globals)]
            static rust_module_info: [u8; INFO.len()] = match INFO.first_chunk() {
                Some(info) => *info,
                None => panic!(),
            };
        }
    };
}
