//! Orders of the sample shop.

use super::Problem;
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A shop that forgets the oldest orders does not fill the memory of a demo that runs for weeks.
const MOST_ORDERS: usize = 1000;

/// Goods and their prices in cents.
const GOODS: [(&str, &str, u64); 4] = [
    ("tea-assam", "Assam, 250 g", 890),
    ("tea-sencha", "Sencha, 100 g", 1150),
    ("pot-iron", "Iron teapot", 4900),
    ("cup-blue", "Blue cup", 1200),
];

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
}

#[derive(Clone, Serialize)]
pub(super) struct Order {
    id: String,
    customer: String,
    status: &'static str,
    items: Vec<Item>,
    total_cents: u64,
}

pub(super) struct Shop {
    orders: Vec<Order>,
    next: u32,
}

type Shared = State<Arc<Mutex<Shop>>>;

impl Default for Shop {
    fn default() -> Self {
        let mut shop = Self {
            orders: Vec::new(),
            next: 1001,
        };
        let past = [
            ("Ada Lovelace", "shipped", "tea-assam", 2),
            ("Grace Hopper", "shipped", "pot-iron", 1),
            ("Edsger Dijkstra", "paid", "tea-sencha", 1),
            ("Barbara Liskov", "open", "cup-blue", 4),
            ("Ada Lovelace", "open", "cup-blue", 2),
        ];
        for (customer, status, sku, quantity) in past {
            // These are goods that there are.
            let _ = shop.add(
                customer.to_owned(),
                status,
                vec![Item {
                    sku: sku.to_owned(),
                    quantity,
                }],
            );
        }
        shop
    }
}

impl Shop {
    fn add(&mut self, customer: String, status: &'static str, items: Vec<Item>) -> Result<Order, Problem> {
        let mut total_cents = 0_u64;
        for item in &items {
            let price = GOODS
                .iter()
                .find(|(sku, ..)| *sku == item.sku)
                .map(|(.., price)| *price);
            let price = price.ok_or_else(|| {
                let known: Vec<&str> = GOODS.iter().map(|(sku, ..)| *sku).collect();
                let message = format!("`{}` is not sold here; there are {}", item.sku, known.join(", "));
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, message)
            })?;
            total_cents = total_cents.saturating_add(price.saturating_mul(item.quantity.into()));
        }
        let order = Order {
            id: self.next.to_string(),
            customer,
            status,
            items,
            total_cents,
        };
        self.next += 1;
        self.orders.push(order.clone());
        if self.orders.len() > MOST_ORDERS {
            self.orders.remove(0);
        }
        Ok(order)
    }

    fn find(&self, id: &str) -> Result<&Order, Problem> {
        let order = self.orders.iter().find(|order| order.id == id);
        order.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no order {id}")))
    }
}

fn lock(shop: &Mutex<Shop>) -> MutexGuard<'_, Shop> {
    shop.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    status: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn list(State(shop): Shared, Query(query): Query<ListQuery>) -> Json<Value> {
    let shop = lock(&shop);
    let matching = shop
        .orders
        .iter()
        .rev()
        .filter(|order| query.status.as_deref().is_none_or(|s| s == order.status));
    let orders: Vec<&Order> = matching.take(query.limit.unwrap_or(20)).collect();
    Json(json!({"orders": orders}))
}

#[derive(Deserialize)]
pub(super) struct SearchQuery {
    q: String,
}

pub(super) async fn search(State(shop): Shared, Query(query): Query<SearchQuery>) -> Json<Value> {
    let shop = lock(&shop);
    let wanted = query.q.to_lowercase();
    let found: Vec<&Order> = shop
        .orders
        .iter()
        .filter(|order| order.customer.to_lowercase().contains(&wanted))
        .collect();
    Json(json!({"query": query.q, "orders": found}))
}

pub(super) async fn show(State(shop): Shared, Path(id): Path<String>) -> Result<Json<Order>, Problem> {
    lock(&shop).find(&id).cloned().map(Json)
}

pub(super) async fn receipt(State(shop): Shared, Path(id): Path<String>) -> Result<String, Problem> {
    let shop = lock(&shop);
    let order = shop.find(&id)?;
    let mut text = format!("Receipt for order {}\nCustomer: {}\n", order.id, order.customer);
    for item in &order.items {
        let title = GOODS
            .iter()
            .find(|(sku, ..)| *sku == item.sku)
            .map_or("", |(_, title, _)| title);
        text.push_str(&format!("{} x {title}\n", item.quantity));
    }
    text.push_str(&format!(
        "Total: {}.{:02} EUR\n",
        order.total_cents / 100,
        order.total_cents % 100
    ));
    Ok(text)
}

#[derive(Deserialize)]
pub(super) struct NewOrder {
    customer: String,
    items: Vec<Item>,
}

pub(super) async fn create(
    State(shop): Shared,
    Json(new): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Problem> {
    if new.items.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "an order has at least one item",
        ));
    }
    let order = lock(&shop).add(new.customer, "open", new.items)?;
    Ok((StatusCode::CREATED, Json(order)))
}
