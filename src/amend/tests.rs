mod files;
mod promotion;
