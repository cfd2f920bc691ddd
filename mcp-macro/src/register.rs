//! Checks what the attribute was given and emits the registry entry.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, ItemImpl, LitStr};

/// One kind of plugin.
pub(crate) struct Port {
    pub(crate) attribute: &'static str,
    pub(crate) factory: &'static str,
    pub(crate) entry: &'static str,
}

impl Port {
    pub(crate) fn register(&self, name: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
        let name = self.name(name)?;
        let block = self.block(item)?;
        let factory = &block.self_ty;
        let entry = format_ident!("{}", self.entry);
        Ok(quote! {
            #block
            ::mcp_common::inventory::submit! {
                ::mcp_common::plugin::#entry {
                    name: #name,
                    factory: || ::std::boxed::Box::new(<#factory as ::core::default::Default>::default()),
                }
            }
        })
    }

    fn name(&self, tokens: TokenStream) -> syn::Result<LitStr> {
        let name: LitStr = syn::parse2(tokens).map_err(|error| {
            Error::new(
                error.span(),
                format!("give the plugin's name: #[{}(\"name\")]", self.attribute),
            )
        })?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let value = name.value();
        if value.is_empty() || !value.chars().all(allowed) {
            return Err(Error::new(
                name.span(),
                "a plugin name consists of a-z, 0-9 and _",
            ));
        }
        Ok(name)
    }

    fn block(&self, item: TokenStream) -> syn::Result<ItemImpl> {
        let place = format!(
            "#[{}] belongs on the block `impl {} for …`",
            self.attribute, self.factory
        );
        let block: ItemImpl = syn::parse2(item).map_err(|_| Error::new(Span::call_site(), &place))?;
        let implemented = block
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last());
        if implemented.is_none_or(|segment| segment.ident != self.factory) {
            return Err(Error::new_spanned(&block.self_ty, place));
        }
        if !block.generics.params.is_empty() {
            let reason = "a factory that is registered by name cannot have parameters";
            return Err(Error::new_spanned(&block.generics, reason));
        }
        Ok(block)
    }
}
